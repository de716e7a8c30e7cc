var storeId = "AAABBB"; // Unique per remarkety account - get yours from the API setting page
var eventType = "newsletter/unsubscribe"; // See "Event types"
var data = JSON.stringify({
"email": "shopper@gmail.com"
});
// If run client-side, use our tracking script:
var _rmData = _rmData || [];
_rmData.push(['setStoreKey', storeId]); // Only needs to be run once on the page
_rmData.push(['track', eventType, data]);
// End client-side code
