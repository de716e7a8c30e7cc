var storeId = "AAABBB"; // Unique per remarkety account - get yours from the API setting page
var eventType = "newsletter/subscribe"; // See "Event types"
var data = JSON.stringify({
"email": "shopper@gmail.com",
"first_name": "Edgar",
"last_name": "Poe",
"sms_phone_number_e164": "+12025550137",
"customerId": "111112",
"tags": ["politics", "sport"]
});
// If run client-side, use our tracking script:
var _rmData = _rmData || [];
_rmData.push(['setStoreKey', storeId]); // Only needs to be run once on the page
_rmData.push(['track', eventType, data]);
// End client-side code
