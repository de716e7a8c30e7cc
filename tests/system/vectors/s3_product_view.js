//Example code for productView event
var _rmData = _rmData || [];
_rmData.push(['productView', {
productId: '1112222',
productCategories: ['Men / Shorts', 'Men / Swimwear']
}]);
